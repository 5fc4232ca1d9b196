export { type Additions, type BaseClass, makeEnvironment } from './environment.ts';
