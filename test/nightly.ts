/** `npm run test:nightly` sets NIGHTLY: the same properties, many times more cases, new ones every time. */
export const nightly = Boolean(process.env.NIGHTLY);
