// Writes files that are whole or not there: into a temporary file beside the target, flushed to disk, then renamed over
// it. A crash, a full disk or an abort leaves the old file as it was.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, show } from '../errors'

export interface IoOptions {
  /** Ends the call early: it rejects with the signal's reason. */
  signal?: AbortSignal
}

export const ioOptions: OptionNames<IoOptions> = { signal: true }

/** As checkOptions, for calls that a signal can end. */
export function checkIoOptions<O extends IoOptions>(op: string, options: O | undefined, known: OptionNames<O>): O {
  const given = checkOptions(op, options, known)
  if (given.signal === undefined || given.signal instanceof AbortSignal) return given
  throw new ArgumentError(`${op}: expected signal to be an AbortSignal, got ${show(given.signal)}`)
}

/** Replaces the file at `path` by the chunks, one after the other. */
export async function writeAtomically(
  path: string,
  chunks: readonly Uint8Array[],
  { signal }: IoOptions = {},
): Promise<void> {
  signal?.throwIfAborted()
  const target = await realpath(path).catch(() => path) // a link stays a link: what it points to is replaced
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx')
  try {
    try {
      for (const chunk of chunks) {
        signal?.throwIfAborted()
        await writeAll(file, chunk)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    signal?.throwIfAborted()
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(target))
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const most = 1 << 30 // a single write takes at most 2 GiB
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(most, bytes.length - at))
    at += bytesWritten
  }
}

/** Makes the rename itself durable, where the file system lets folders be flushed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
