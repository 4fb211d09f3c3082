// What residual networks share (He et al. 2016): blocks of convolutions whose input is added to their output.

/** Convolution without bias, batch norm and, unless it ends a block, ReLU. */
export function convNorm({ nn }, inputs, outputs, kernel, stride, hasRelu = true) {
  return [
    new nn.Conv2d(inputs, outputs, kernel, { stride, padding: kernel >> 1, bias: false }),
    new nn.BatchNorm2d(outputs),
    ...(hasRelu ? [new nn.ReLU()] : []),
  ]
}

/**
 * A module that computes relu(end(body(x)) + shortcut(x)), where `end` is the last convolution with its norm; the
 * shortcut is x itself where shapes agree. Fused, the convolution adds the residual and applies the ReLU itself.
 */
export function residual(n, body, end, inputs, outputs, stride) {
  const { Module, Sequential } = n.nn
  class Residual extends Module {
    body = new Sequential(...body)
    end = new Sequential(...end)
    shortcut =
      inputs === outputs && stride === 1 ? null : new Sequential(...convNorm(n, inputs, outputs, 1, stride, false))

    forward(x) {
      const [conv, norm, relu] = this.end
      const inner = this.body.forward(x)
      const added = this.shortcut ? this.shortcut.forward(x) : x
      if (conv.activation) return conv.forward(inner, added)
      return relu.forward(norm.forward(conv.forward(inner)).add(added))
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
