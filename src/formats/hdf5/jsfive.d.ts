/** The parts of jsfive that `hdf5.ts` uses; the package has no types of its own. */
declare module 'jsfive' {
  /** NumPy-like: '<f4', 'S12', or a list that begins with 'VLEN_STRING', 'VLEN_SEQUENCE' or 'REFERENCE'. */
  export type DataType = string | readonly unknown[];

  export interface DataObjects {
    readonly chunks: readonly number[] | null;
    /** The file. */
    readonly fh: ArrayBuffer;
    find_msg_type(type: number): readonly ReadonlyMap<string, number>[];
    /** The class is 1 for data that lie together, whose address then stands at `property`. */
    _get_data_message_properties(at: number): [version: number, dims: number, layout: number, property: number];
    /** Heaps that hold the values of variable length, by address, as far as they have been read. */
    _global_heaps: Record<string, object>;
    _attr_value(type: DataType, buffer: ArrayBuffer, count: number, offset: number): unknown[];
  }

  export class Group {
    /** Addresses of objects, or paths of soft links, by name. */
    readonly _links: Readonly<Record<string, unknown>>;
    readonly _dataobjects: DataObjects;
    readonly attrs: Readonly<Record<string, unknown>>;
    get(name: string): Group | Dataset;
  }

  export class File extends Group {
    constructor(buffer: ArrayBuffer, fileName: string);
  }

  export class Dataset {
    readonly _dataobjects: DataObjects;
    readonly dtype: DataType;
    readonly shape: readonly number[];
    readonly value: unknown;
  }
}
