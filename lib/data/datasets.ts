// What `datasets` gives: data sets that come with the package, and readers of the formats that others come in.
export { digits, type Digits, type DigitTensors } from './digits'
export { readIdx } from './idx'
