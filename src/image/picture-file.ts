import type { Orientation } from './exif.js';
import type { Picture } from './picture.js';

/** A picture's file whose header has been read and whose pixels have not. */
export interface PictureFile {
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** What decoding takes for each pixel, beside the file and a copy of it. */
  readonly bytesPerPixel: number;
  /** What only sharp decodes: 'a JPEG in CMYK'. */
  readonly rare?: string;
  /** The pixels as stored. Throws where they are cut off or damaged; the message says how. */
  decode(): Promise<Picture>;
}
