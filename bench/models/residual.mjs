// What residual networks share (He et al. 2016): blocks of convolutions whose input is added to their output.

/** Convolution without bias, batch norm and, unless it ends a block, ReLU. */
export function convNorm({ nn }, inputs, outputs, kernel, stride, hasRelu = true) {
  return [
    new nn.Conv2d(inputs, outputs, kernel, { stride, padding: kernel >> 1, bias: false }),
    new nn.BatchNorm2d(outputs),
    ...(hasRelu ? [new nn.ReLU()] : []),
  ]
}

/** A module that computes relu(body(x) + shortcut(x)); the shortcut is x itself where shapes agree. */
export function residual(n, body, inputs, outputs, stride) {
  const { Module, Sequential } = n.nn
  class Residual extends Module {
    body = new Sequential(...body)
    shortcut =
      inputs === outputs && stride === 1 ? null : new Sequential(...convNorm(n, inputs, outputs, 1, stride, false))

    forward(x) {
      return n.relu(this.body.forward(x).add(this.shortcut ? this.shortcut.forward(x) : x))
    }
  }
  return new Residual()
}

/** Four stages of blocks made by blockOf(inputs, width, stride); each doubles the width and halves the size. */
export function stages(blockOf, depths, expansion) {
  const blocks = []
  let inputs = 64
  for (const [stage, depth] of depths.entries()) {
    const width = 64 << stage
    for (let i = 0; i < depth; i++) {
      blocks.push(blockOf(inputs, width, stage > 0 && i === 0 ? 2 : 1))
      inputs = width * expansion
    }
  }
  return blocks
}
