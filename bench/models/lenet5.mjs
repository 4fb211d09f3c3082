// LeNet-5 (LeCun et al. 1998) with ReLU and max pooling.
export function lenet5({ nn }) {
  const { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } = nn
  return new Sequential(
    new Conv2d(1, 6, 5, { padding: 2 }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(6, 16, 5),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(400, 120),
    new ReLU(),
    new Linear(120, 84),
    new ReLU(),
    new Linear(84, 10),
  )
}
