/** Path of a Node that Vitest supports. @throws when there is none */
export declare function newerNode(): string;
