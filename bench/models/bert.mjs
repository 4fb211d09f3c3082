// The encoder of BERT-base (Devlin et al. 2019) from the embeddings on: the norm comes after each sum.
export function bert(n, { layers = 12, width = 768, heads = 12 } = {}) {
  const { Dropout, LayerNorm, Linear, Module, Sequential, functional } = n.nn

  class Block extends Module {
    qkv = new Linear(width, 3 * width)
    projection = new Linear(width, width)
    norm1 = new LayerNorm(width)
    up = new Linear(width, 4 * width)
    down = new Linear(4 * width, width)
    norm2 = new LayerNorm(width)
    dropout = new Dropout(0.1)

    forward(x) {
      const [B, T] = x.shape
      const [q, k, v] = this.qkv
        .forward(x)
        .reshape([B, T, 3, heads, width / heads])
        .permute([2, 0, 3, 1, 4])
        .unbind()
      const attended = functional.scaledDotProductAttention(q, k, v).transpose(1, 2).reshape([B, T, width])
      const [y] = this.norm1.forward(x, this.dropout.forward(this.projection.forward(attended)))
      const hidden = n.gelu(this.up.forward(y))
      return this.norm2.forward(y, this.dropout.forward(this.down.forward(hidden)))[0]
    }
  }
  return new Sequential(...Array.from({ length: layers }, () => new Block()))
}
