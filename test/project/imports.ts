/** Which file imports which: what the import tests look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  /** Path below src of the file that imports, e.g. 'network/run.ts'. */
  readonly from: string;
  /** Path below src of the imported file, or the specifier of a package: 'sharp', 'node:fs'. */
  readonly to: string;
  readonly isPackage: boolean;
  /** Erased by the compiler: costs nothing at run time. */
  readonly typeOnly: boolean;
  /** `import()` at the point of use. */
  readonly lazy: boolean;
}

/** Every TypeScript file below src, as posix paths: 'layers/conv2d.ts'. */
export function sourceFiles(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort();
}

export function readImports(): Import[] {
  return sourceFiles().flatMap((file) => importsOf(file, readFileSync(join(root, 'src', file), 'utf8')));
}

/** The imports and re-exports of one file's text, types included. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  visit(parseAst(text, { lang: 'ts' }), (node) => {
    const specifier = node.source?.value;
    if (typeof specifier !== 'string') return;
    const isPackage = !specifier.startsWith('.');
    found.push({
      from: file,
      to: isPackage ? specifier : posix.join(dirname(file), specifier).replace(/\.js$/, '.ts'),
      isPackage,
      typeOnly: node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type',
      lazy: node.type === 'ImportExpression',
    });
  });
  return found;
}

interface SyntaxNode {
  readonly type?: string;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly source?: { readonly value?: unknown };
}

function visit(node: unknown, onNode: (node: SyntaxNode) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if ('type' in node) onNode(node as SyntaxNode);
  for (const child of Object.values(node)) visit(child, onNode);
}
