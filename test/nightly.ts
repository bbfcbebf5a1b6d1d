/** `npm run test:nightly` sets NIGHTLY: the same properties, many times more cases, new ones every time. */
export const nightly = Boolean(process.env.NIGHTLY);

/** Of all random cases. `npm test` draws the same ones every time: what fails once fails again, and what passed still passes. */
export const SEED = nightly ? undefined : 20261128;
