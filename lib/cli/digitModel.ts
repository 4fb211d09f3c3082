// The network of the demo: two convolutions with batch norm and a linear layer on 8×8 images.
import { nn, noGrad, type Tensor } from '../index'

/** x [B, 1, 8, 8] to logits [B, 10]; 29,258 parameters. */
export function makeDigitModel(): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { padding: 1 }),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.Conv2d(32, 64, 3, { padding: 1 }),
    new nn.BatchNorm2d(64),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Dropout(0.5),
    new nn.Linear(1024, 10),
  )
}

/** The most likely digit of each image, int64 [B]. */
export function classify(model: nn.Sequential, x: Tensor): Tensor {
  model.eval()
  return noGrad(() => model.forward(x).argmax({ dim: 1 }))
}
