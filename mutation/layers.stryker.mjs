import { strykerConfig } from './stryker.mjs';

export default strykerConfig('layers', ['src/padding.ts', 'src/layers/**/*.ts']);
