import { strykerConfig } from './stryker.mjs';

export default strykerConfig('models', ['src/models/**/*.ts', 'src/network/counting/{summary,receptive-field}.ts']);
