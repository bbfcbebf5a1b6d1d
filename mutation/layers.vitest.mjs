import { vitestConfig } from './stryker.mjs';

export default vitestConfig(['test/padding.test.ts', 'test/layers/**/*.test.ts']);
