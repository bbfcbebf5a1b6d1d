/** Whether a file's name ends as those of pictures do. */
export const isPictureName = (path: string): boolean => /\.(jpe?g|png|webp|gif|bmp)$/i.test(path);
