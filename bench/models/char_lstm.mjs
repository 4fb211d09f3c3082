// A character model: embedding, two LSTM layers, a linear layer to the vocabulary.
export function charLstm({ nn }, { vocabulary = 65, width = 256, layers = 2 } = {}) {
  class CharLstm extends nn.Module {
    embedding = new nn.Embedding(vocabulary, width)
    lstm = new nn.LSTM(width, width, { numLayers: layers, batchFirst: true })
    head = new nn.Linear(width, vocabulary)

    forward(index) {
      return this.head.forward(this.lstm.forward(this.embedding.forward(index))[0])
    }
  }
  return new CharLstm()
}
