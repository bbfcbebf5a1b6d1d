/** As much of the XML parser as is used here: its own types want those of a page. */
declare module '@xmldom/xmldom' {
  export interface Element {
    readonly nodeName: string;
    readonly textContent: string | null;
    readonly childNodes: Iterable<Element>;
  }

  export class DOMParser {
    constructor(options: { onError: (level: 'warning' | 'error' | 'fatalError', message: string) => void });
    parseFromString(text: string, type: 'text/xml'): { readonly documentElement: Element | null };
  }
}
