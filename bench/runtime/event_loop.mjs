// How late a 1 ms timer fires while the process trains at full speed: what an interface would feel.
import { mlp } from '../models/mlp.mjs'

export const eventLoop = [
  {
    bench: 'event loop',
    params: '1 ms timer while training mlp 784-512-256-10 B128 Adam',
    async measure(n, seconds) {
      const model = mlp(n)
      const opt = new n.optim.Adam(model.parameters())
      const x = n.randn([128, 784])
      const y = n.randint(0, 10, [128])
      const delays = []
      const length = Math.max(2, seconds) * 1000
      const end = performance.now() + length
      let due = performance.now() + 1
      const timer = () => {
        delays.push(performance.now() - due)
        due = performance.now() + 1
        if (due < end) setTimeout(timer, 1)
      }
      setTimeout(timer, 1)
      let steps = 0
      while (performance.now() < end) {
        opt.zeroGrad()
        const loss = n.crossEntropy(model.forward(x), y)
        loss.backward()
        opt.step()
        steps++
        await loss.item()
      }
      delays.sort((a, b) => a - b)
      const at = (share) => Number(delays[Math.floor((delays.length - 1) * share)].toFixed(3))
      return { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), steps_s: Math.round((steps / length) * 1000) }
    },
  },
]
