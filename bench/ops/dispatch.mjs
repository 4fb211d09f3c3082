// What an op costs when its kernel has nothing to do: JavaScript, N-API, the queue, and a run of 16 elements.
function tinyMlp(n) {
  const { Linear, ReLU, Sequential } = n.nn
  return new Sequential(new Linear(16, 16), new ReLU(), new Linear(16, 16), new ReLU(), new Linear(16, 4))
}

export const dispatch = [
  {
    bench: 'dispatch',
    params: 'add 16 no-grad',
    items: 1,
    prepare(n) {
      const a = n.randn([16])
      const b = n.randn([16])
      return () => a.add(b)
    },
  },
  {
    bench: 'dispatch',
    params: 'add 16 recorded',
    items: 1,
    prepare(n) {
      const a = n.randn([16]).setRequiresGrad()
      const b = n.randn([16])
      return () => a.add(b)
    },
  },
  {
    bench: 'dispatch',
    params: '100 chained adds 16 no-grad',
    items: 100,
    prepare(n) {
      const a = n.randn([16])
      const b = n.randn([16])
      return () => {
        let x = a
        for (let i = 0; i < 100; i++) x = x.add(b)
      }
    },
  },
  {
    bench: 'dispatch',
    params: 'tiny mlp 16-16-16-4 B4 fwd',
    items: 1,
    prepare(n) {
      const model = tinyMlp(n)
      const x = n.randn([4, 16])
      return () => model.forward(x)
    },
  },
  {
    bench: 'dispatch',
    params: 'tiny mlp 16-16-16-4 B4 fwd+bwd',
    items: 1,
    prepare(n) {
      const model = tinyMlp(n)
      const x = n.randn([4, 16])
      return () => {
        model.zeroGrad()
        model.forward(x).sum().backward()
      }
    },
  },
  {
    bench: 'dispatch',
    params: 'tiny mlp 16-16-16-4 B4 step Adam',
    items: 1,
    prepare(n) {
      const model = tinyMlp(n)
      const optimizer = new n.optim.Adam(model.parameters())
      const x = n.randn([4, 16])
      return () => {
        optimizer.zeroGrad()
        model.forward(x).sum().backward()
        optimizer.step()
      }
    },
  },
]
