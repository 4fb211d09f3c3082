// The rows of devices other than the CPU, by family, as rows.mjs has those of the CPU. Sizes fill a chip; an emulated
// device gets tiny ones, which only show that the rows run. There are no goals yet.
import { training } from '../steps/training.mjs'
import { bandwidths } from './bandwidth.mjs'
import { convolutions, products } from './products.mjs'
import { attentions, recurrents } from './sequences.mjs'

const steps = /^(mlp 784-512-256-10 B128 AdamW|resnet18|char-lstm|gpt)/

export function deviceFamilies(isSmall) {
  return [
    { name: 'matrix products', rows: products(isSmall) },
    { name: 'convolution', rows: convolutions(isSmall) },
    { name: 'attention', rows: attentions(isSmall) },
    { name: 'LSTM and GRU', rows: recurrents(isSmall) },
    { name: 'memory-bound', rows: bandwidths(isSmall) },
    { name: 'training steps', rows: training.filter(({ params }) => (isSmall ? /^mlp.*B64 SGD/ : steps).test(params)) },
  ]
}
