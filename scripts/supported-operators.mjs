/** Writes docs/supported-operators.md from the built library. */
import { writeFileSync } from 'node:fs';
import { supportedOperators } from '../dist/formats/onnx/documentation.js';

writeFileSync(new URL('../docs/supported-operators.md', import.meta.url), supportedOperators());
