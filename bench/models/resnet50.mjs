// ResNet-50 (He et al. 2016), with the stride on the 3 × 3 convolution.
import { convNorm, residual, stages } from './residual.mjs'

export function resnet50(n, classes = 1000) {
  const { AdaptiveAvgPool2d, Flatten, Linear, MaxPool2d, Sequential } = n.nn
  const block = (inputs, width, stride) => {
    const body = [
      ...convNorm(n, inputs, width, 1, 1),
      ...convNorm(n, width, width, 3, stride),
    ]
    return residual(n, body, convNorm(n, width, 4 * width, 1, 1), inputs, 4 * width, stride)
  }
  return new Sequential(
    ...convNorm(n, 3, 64, 7, 2),
    new MaxPool2d(3, { stride: 2, padding: 1 }),
    ...stages(block, [3, 4, 6, 3], 4),
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(2048, classes),
  )
}
