/** The trained model in the package: what it was trained on, and how well, stands beside it in MODEL_CARD.md. */
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';

export const SHIPPED_MODEL = fileURLToPath(
  new URL('../../assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors', import.meta.url),
);

/** In help texts. */
export const WHICH = 'the one in the package: ten kinds of things, CIFAR-10';

/** `--model`, where the shipped one will do. */
export const modelOption = (text: string): Option => new Option('--model <file>', text).default(SHIPPED_MODEL, WHICH);
