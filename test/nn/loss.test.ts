// Loss modules against PyTorch.
import { nn, type Tensor } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('losses')

interface Loss extends nn.Module {
  forward(x: Tensor, target: Tensor): Tensor
}

const weight = (name: string) => given(name).of('state').weight

test.each<[string, (name: string) => Loss]>([
  ['cross entropy', () => new nn.CrossEntropyLoss()],
  ['cross entropy weighted', (name) => new nn.CrossEntropyLoss({ weight: weight(name), labelSmoothing: 0.1 })],
  ['cross entropy ignoring', () => new nn.CrossEntropyLoss()],
  ['cross entropy summed', () => new nn.CrossEntropyLoss({ reduction: 'sum', ignoreIndex: 3 })],
  ['cross entropy each', (name) => new nn.CrossEntropyLoss({ reduction: 'none', weight: weight(name) })],
  ['cross entropy images', () => new nn.CrossEntropyLoss()],
  ['cross entropy of probabilities', () => new nn.CrossEntropyLoss({ labelSmoothing: 0.2 })],
  ['nll', (name) => new nn.NLLLoss({ weight: weight(name) })],
  ['mse mean', () => new nn.MSELoss()],
  ['mse sum', () => new nn.MSELoss({ reduction: 'sum' })],
  ['mse none', () => new nn.MSELoss({ reduction: 'none' })],
  ['l1', () => new nn.L1Loss()],
  ['smooth l1', () => new nn.SmoothL1Loss({ beta: 0.6 })],
  ['huber', () => new nn.HuberLoss({ delta: 0.7 })],
  ['bce', () => new nn.BCELoss()],
  ['bce with logits', () => new nn.BCEWithLogitsLoss()],
  ['bce with weights', (name) => new nn.BCEWithLogitsLoss({ posWeight: given(name).of('state').pos_weight })],
])('%s', (name, make) => {
  const loss = make(name)
  const { target } = given(name).of('target')
  checkParity(given(name), loss, ({ input }) => [loss.forward(input, target)])
})
