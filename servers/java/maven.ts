/** What Maven is told so that it fetches a server's jars, in whatever repositories and proxies its settings name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** `group:artifact:version` */
export type Coordinate = `${string}:${string}:${string}`;

/** A project that depends on the server and is nothing itself. */
export function pom(coordinates: readonly Coordinate[]): string {
  const dependencies = coordinates.map((coordinate) => {
    const [group, artifact, version] = coordinate.split(':');
    return `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>qa</groupId>
  <artifactId>server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}

/** Arguments of `mvn`: copies the jars of `folder/pom.xml` into `folder/lib`. */
export function copyJars(folder: string): string[] {
  return [
    '-B',
    '-q',
    '-f',
    join(folder, 'pom.xml'),
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${join(folder, 'lib')}`,
  ];
}

/** Always in the same order: an archive of classes is only used with the class path that it was made with. */
export function classPath(folder: string): string {
  return jarsOf(folder)
    .map((name) => join(folder, name))
    .join(':');
}

export function jarsOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jar'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
      throw error;
    return [];
  }
}
