/** Memory that worker threads see too. A page without cross-origin isolation has no SharedArrayBuffer, and no threads that would need one. */

/** `bytes` zeros. */
export function sharedMemory(bytes: number): ArrayBuffer | SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

/** A copy of the numbers in such memory. */
export function shared(numbers: Float32Array): Float32Array {
  const copy = new Float32Array(sharedMemory(numbers.byteLength));
  copy.set(numbers);
  return copy;
}
