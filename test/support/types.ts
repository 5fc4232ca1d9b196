/** What `tsc -p` says of a project, without parsing the types of packages anew for each. */
import { join } from 'node:path';
import ts from 'typescript';

/** Of packages and of the language: the same for all projects of a test file. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Empty when there is nothing to say. */
export function typeErrors(folder: string): string {
  const config = ts.getParsedCommandLineOfConfigFile(join(folder, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    },
  });
  if (!config) throw new Error(`There is no tsconfig.json in ${folder}.`);
  const host = ts.createCompilerHost(config.options);
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (file, options, ...rest) => {
    if (file.startsWith(folder)) return parse(file, options, ...rest);
    const format = typeof options === 'object' ? options.impliedNodeFormat : undefined;
    const key = `${format} ${file}`;
    if (!parsed.has(key)) parsed.set(key, parse(file, options, ...rest));
    return parsed.get(key);
  };
  const program = ts.createProgram({
    rootNames: config.fileNames,
    options: config.options,
    host,
    configFileParsingDiagnostics: config.errors,
  });
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host);
}
