// A perceptron with two hidden layers, for images of 28 × 28.
export function mlp({ nn }) {
  const { Linear, ReLU, Sequential } = nn
  return new Sequential(new Linear(784, 512), new ReLU(), new Linear(512, 256), new ReLU(), new Linear(256, 10))
}
