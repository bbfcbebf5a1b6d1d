import { vitestConfig } from './stryker.mjs';

export default vitestConfig(['test/models/**/*.test.ts', 'test/network/{summary,receptive-field}.test.ts']);
