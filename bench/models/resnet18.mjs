// ResNet-18 (He et al. 2016) with the stem for CIFAR: 3 × 3 at full size, no pooling.
import { convNorm, residual, stages } from './residual.mjs'

export function resnet18(n, classes = 10) {
  const { AdaptiveAvgPool2d, Flatten, Linear, Sequential } = n.nn
  const block = (inputs, width, stride) => {
    const body = convNorm(n, inputs, width, 3, stride)
    return residual(n, body, convNorm(n, width, width, 3, 1), inputs, width, stride)
  }
  return new Sequential(
    ...convNorm(n, 3, 64, 3, 1),
    ...stages(block, [2, 2, 2, 2], 1),
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(512, classes),
  )
}
