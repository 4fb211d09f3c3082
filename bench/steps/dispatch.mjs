// What an op costs when its kernel has nothing to do: JavaScript, N-API, the queue, and a run of 16 elements.
import { forward } from '../passes.mjs'

function tinyMlp({ nn }) {
  const { Linear, ReLU, Sequential } = nn
  return new Sequential(new Linear(16, 16), new ReLU(), new Linear(16, 16), new ReLU(), new Linear(16, 4))
}

const row = (params, prepare, items = 1) => ({ bench: 'dispatch', params, args: { task: params }, items, prepare })

export const tinyOps = [
  row('add 16 no-grad', (n) => {
    const a = n.randn([16])
    const b = n.randn([16])
    return () => a.add(b)
  }),
  row('add 16 recorded', (n) => {
    const a = n.randn([16]).setRequiresGrad()
    const b = n.randn([16])
    return () => a.add(b)
  }),
  row(
    '100 chained adds 16 no-grad',
    (n) => {
      const a = n.randn([16])
      const b = n.randn([16])
      return () => {
        let x = a
        for (let i = 0; i < 100; i++) x = x.add(b)
      }
    },
    100,
  ),
]

export const tinySteps = [
  row('tiny mlp 16-16-16-4 B4 fwd', (n) => {
    const model = tinyMlp(n)
    const x = n.randn([4, 16])
    return forward(n, () => model.forward(x))
  }),
  row('tiny mlp 16-16-16-4 B4 fwd+bwd', (n) => {
    const model = tinyMlp(n)
    const x = n.randn([4, 16])
    return () => {
      model.zeroGrad()
      model.forward(x).sum().backward()
    }
  }),
  row('tiny mlp 16-16-16-4 B4 step Adam', (n) => {
    const model = tinyMlp(n)
    const optimizer = new n.optim.Adam(model.parameters())
    const x = n.randn([4, 16])
    return () => {
      optimizer.zeroGrad()
      model.forward(x).sum().backward()
      optimizer.step()
    }
  }),
]
