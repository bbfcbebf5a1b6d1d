/** The frames of a video, as the browser shows them. Needs nothing but the platform. */

/** Calls `onFrame` for every frame that the browser shows, until `signal` is aborted. */
export function eachFrame(video: HTMLVideoElement, signal: AbortSignal, onFrame: (time: number) => void): void {
  if (typeof video.requestVideoFrameCallback === 'function') {
    const wait = () =>
      video.requestVideoFrameCallback((now, { captureTime }) => {
        if (signal.aborted) return;
        wait();
        onFrame(captureTime ?? now);
      });
    wait();
    return;
  }
  // Firefox before 132: look at the video whenever the screen is drawn.
  let shown = -1;
  const wait = () =>
    requestAnimationFrame((now) => {
      if (signal.aborted) return;
      wait();
      if (video.readyState < video.HAVE_CURRENT_DATA || video.currentTime === shown) return;
      shown = video.currentTime;
      onFrame(now);
    });
  wait();
}
