/** A film from Chromium's fake camera, frame by frame. */

export const nextFrame = (video: HTMLVideoElement): Promise<void> =>
  new Promise((resolve) => video.requestVideoFrameCallback(() => resolve()));

/** Chromium's fake camera shows the film. */
export async function film({ width, height }: { width: number; height: number }): Promise<HTMLVideoElement> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width, height } });
  document.body.replaceChildren(video);
  await video.play();
  await nextFrame(video);
  if (video.videoWidth !== width) throw new Error(`the film has ${video.videoWidth} columns, wanted ${width}`);
  return video;
}

export function stop(video: HTMLVideoElement): void {
  for (const track of (video.srcObject as MediaStream).getTracks()) track.stop();
}
