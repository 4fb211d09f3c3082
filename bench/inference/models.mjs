// Whole models without gradients; their weights are constant.
import { bert } from '../models/bert.mjs'
import { decode, emptyPast, gpt2 } from '../models/gpt2.mjs'
import { resnet50 } from '../models/resnet50.mjs'
import { forward } from '../passes.mjs'

function inference(params, args, { flops, bytes, items = 1, load }) {
  return {
    bench: 'infer',
    params,
    args,
    constant: true,
    flops,
    bytes,
    items,
    prepare: (n) => forward(n, load(n)),
  }
}

const resnet = (B) =>
  inference(`resnet50 224 B${B}`, { model: 'resnet50', B }, {
    flops: 2 * 4.09e9 * B,
    items: B,
    load(n) {
      const model = n.nn.fuse(resnet50(n).eval()).optimizeForInference()
      const x = n.randn([B, 3, 224, 224])
      return () => model.forward(x)
    },
  })

export const inferenceRows = [
  resnet(1),
  resnet(8),
  inference('bert-base encoder T128 B1', { model: 'bert' }, {
    flops: 2 * 85e6 * 128 + 12 * 4 * 128 * 128 * 768,
    load(n) {
      const model = bert(n).optimizeForInference()
      const x = n.randn([1, 128, 768])
      return () => model.forward(x)
    },
  }),
  inference('gpt2-124M prefill T128 B1', { model: 'gpt2 prefill' }, {
    flops: 2 * 124e6 * 128,
    items: 128,
    load(n) {
      const model = gpt2(n).optimizeForInference()
      const index = n.zeros([1, 128], { dtype: 'int64' })
      return () => model.forward(index)
    },
  }),
  inference('gpt2-124M decode 16 tokens from past 64', { model: 'gpt2 decode' }, {
    bytes: [16 * 4 * 124e6, 0],
    items: 16,
    load(n) {
      const model = gpt2(n).optimizeForInference()
      const pasts = emptyPast(n, 64)
      return () => decode(n, model, pasts, 16)
    },
  }),
]
