// Twenty steps of each optimizer against PyTorch's, on the same gradients.
import { nn, optim, type Tensor } from '../../lib'
import { expectClose, fixtures } from '../support/fixtures'

const given = fixtures('optimizers')
type Make = (params: Tensor[]) => optim.Optimizer

const sgd =
  (options: Partial<optim.SGDOptions>): Make =>
  (params) =>
    new optim.SGD(params, options)
const adam =
  (options: Partial<optim.AdamOptions>): Make =>
  (params) =>
    new optim.Adam(params, options)
const adamw =
  (options: Partial<optim.AdamOptions>): Make =>
  (params) =>
    new optim.AdamW(params, options)

const cases: [string, Make][] = [
  ['sgd', sgd({ lr: 0.1 })],
  ['sgd momentum', sgd({ lr: 0.05, momentum: 0.9 })],
  ['sgd dampening', sgd({ lr: 0.05, momentum: 0.8, dampening: 0.3, weightDecay: 0.1 })],
  ['sgd nesterov', sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 })],
  ['sgd maximize', sgd({ lr: 0.05, momentum: 0.5, weightDecay: 0.1, maximize: true })],
  ['sgd skipping', sgd({ lr: 0.05, momentum: 0.9, dampening: 0.2 })],
  ['adam', adam({ lr: 0.05 })],
  ['adam decay', adam({ lr: 0.05, betas: [0.8, 0.95], eps: 1e-4, weightDecay: 0.1 })],
  ['adam amsgrad', adam({ lr: 0.05, amsgrad: true })],
  ['adam maximize', adam({ lr: 0.05, maximize: true, weightDecay: 0.1 })],
  ['adam skipping', adam({ lr: 0.05, amsgrad: true })],
  ['adamw', adamw({ lr: 0.05 })],
  ['adamw amsgrad', adamw({ lr: 0.05, weightDecay: 0.2, amsgrad: true, maximize: true })],
  [
    'adamw groups',
    (p) =>
      new optim.AdamW(
        [
          { params: p.slice(0, 1), weightDecay: 0.3 },
          { params: p.slice(1), lr: 0.2, betas: [0.5, 0.9] },
        ],
        { lr: 0.05 },
      ),
  ],
]

interface Course {
  params: Tensor[]
  /** Gives the parameters the gradients of a step. */
  prepare: (step: number) => void
  /** Compares the parameters with PyTorch's after a step. */
  check: (step: number) => void
}

function course(name: string, dtype: 'float32' | 'float64'): Course {
  const found = given(name)
  const by = (role: string) => Object.values(found.of(role))
  const params = by('start').map((t) => nn.parameter(t.to(dtype)))
  const mask = found.of('mask').steps?.arraySync() as number[][] | undefined
  return {
    params,
    prepare: (step) =>
      params.forEach((p, i) => {
        const isThere = mask === undefined || mask[step][i] === 1
        p.grad = isThere ? by('gradients')[i].select(0, step).to(dtype) : null
      }),
    check: (step) =>
      params.forEach((p, i) => {
        expectClose(
          `${name}: parameter ${i} after step ${step + 1}`,
          p.detach().to('float32'),
          by('path')[i].select(0, step),
        )
      }),
  }
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  test.each(cases)('%s', (name, make) => {
    const { params, prepare, check } = course(name, dtype)
    const optimizer = make(params)
    for (let step = 0; step < 20; step++) {
      prepare(step)
      optimizer.step()
      check(step)
    }
  })
})

test.each(cases)('%s: a saved optimizer goes on where it was', (name, make) => {
  const { params, prepare, check } = course(name, 'float32')
  let optimizer = make(params)
  for (let step = 0; step < 20; step++) {
    if (step === 8) {
      const state = optimizer.stateDict()
      optimizer = make(params)
      optimizer.loadStateDict(state)
    }
    prepare(step)
    optimizer.step()
    check(step)
  }
})
