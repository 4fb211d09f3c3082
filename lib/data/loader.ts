// Batches of a dataset, in order or shuffled, prepared a few ahead of their use.
import type { OptionNames } from '../check'
import { checkDevice, type Device, type DeviceLike } from '../device'
import { checkFunction } from '../errors'
import { checkIoOptions } from '../io/atomic'
import { Generator, randperm } from '../ops/random'
import { data } from '../ops/read'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { collate, type Collated, moveTensors } from './collate'
import { checkDataset, type Dataset } from './dataset'

export interface DataLoaderOptions<Item, Batch> {
  /** Examples in a batch. Default 1. */
  batchSize?: number
  /** A new order in every epoch. Default false. */
  shuffle?: boolean
  /** Seed of the orders; without one it is taken from the system's entropy. The default generator plays no part. */
  seed?: number | bigint
  /** Leave out the last batch if it is smaller than the others. Default false. */
  dropLast?: boolean
  /** Batches prepared ahead of the one in use. Default 2. */
  prefetch?: number
  /** Makes a batch of examples, instead of stacking them. */
  collate?: (examples: Item[]) => Batch | Promise<Batch>
  /** Moves the tensors of a batch there while the one before it is in use. Default: they stay where they are. */
  device?: DeviceLike
  /** Ends the iteration: it throws the signal's reason. */
  signal?: AbortSignal
}

const loaderOptions: OptionNames<DataLoaderOptions<never, never>> = {
  batchSize: true,
  shuffle: true,
  seed: true,
  dropLast: true,
  prefetch: true,
  collate: true,
  device: true,
  signal: true,
}

/**
 * Batches of a dataset `{ length, get(i) }`, or of tensors by name:
 *
 *     const loader = new DataLoader({ x, y }, { batchSize: 32, shuffle: true, seed: 0 })
 *     for await (const { x, y } of loader) …
 *
 * Every loop over the loader is one epoch. The order depends on seed and epoch alone; `epoch` may be set to resume.
 */
export class DataLoader<Item, Batch = Collated<Item>> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Item>
  readonly batchSize: number
  /** The number of the next epoch, from 0. */
  epoch = 0
  private readonly generator: Generator
  private readonly shuffle: boolean
  private readonly dropLast: boolean
  private readonly prefetch: number
  private readonly collate: ((examples: Item[]) => Batch | Promise<Batch>) | undefined
  private readonly device: Device | undefined
  private readonly signal: AbortSignal | undefined

  /** @throws ArgumentError for anything but a dataset or tensors, and for options out of range. */
  constructor(dataset: Dataset<Item>, options?: DataLoaderOptions<Item, Batch>)
  constructor(tensors: Item & Readonly<Record<string, Tensor>>, options?: DataLoaderOptions<Item, Batch>)
  constructor(source: unknown, options?: DataLoaderOptions<Item, Batch>) {
    this.dataset = checkDataset('DataLoader', source)
    const { batchSize = 1, prefetch = 2, ...given } = checkIoOptions('DataLoader', options, loaderOptions)
    this.batchSize = checkInteger('DataLoader', 'batchSize', batchSize, 1)
    this.prefetch = checkInteger('DataLoader', 'prefetch', prefetch, 0)
    this.shuffle = given.shuffle ?? false
    this.dropLast = given.dropLast ?? false
    this.generator = new Generator(given.seed)
    if (given.collate !== undefined) checkFunction('DataLoader', 'collate', given.collate)
    this.collate = given.collate
    if (given.device !== undefined) this.device = checkDevice('DataLoader', given.device)
    this.signal = given.signal
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const order = await this.order(checkInteger('DataLoader', 'epoch', this.epoch++, 0))
    const ahead: Promise<Batch>[] = []
    let started = 0
    for (let i = 0; i < this.length; i++) {
      this.signal?.throwIfAborted()
      while (started < this.length && started <= i + this.prefetch) ahead.push(this.start(order, started++))
      yield await untilAborted(ahead.shift() as Promise<Batch>, this.signal)
    }
  }

  /** Positions of the examples of an epoch. */
  private async order(epoch: number): Promise<(i: number) => number> {
    if (!this.shuffle) return (i) => i
    const n = this.dataset.length
    // Every epoch has its own stretch of the generator's stream, so that any of them can be had without those before.
    this.generator.setState({ seed: String(this.generator.seed), offset: epoch * n })
    const permutation = randperm(n, { generator: this.generator, device: 'cpu' })
    const positions = await data(permutation)
    permutation.dispose()
    return (i) => Number(positions[i])
  }

  private start(order: (i: number) => number, batch: number): Promise<Batch> {
    const first = batch * this.batchSize
    const size = Math.min(this.batchSize, this.dataset.length - first)
    const prepared = this.prepare(Array.from({ length: size }, (_, i) => order(first + i)))
    prepared.catch(() => undefined) // whoever reaches this batch hears of it; nobody may
    return prepared
  }

  private async prepare(indices: number[]): Promise<Batch> {
    const batch = await this.gather(indices)
    return this.device === undefined ? batch : (moveTensors(batch, this.device) as Batch)
  }

  private async gather(indices: number[]): Promise<Batch> {
    if (this.collate === undefined && this.dataset.getBatch) return (await this.dataset.getBatch(indices)) as Batch
    const examples = await Promise.all(indices.map((i) => this.dataset.get(i)))
    return this.collate === undefined ? (collate(examples) as Batch) : this.collate(examples)
  }
}

/** The promise's result, or the reason of a signal that comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
