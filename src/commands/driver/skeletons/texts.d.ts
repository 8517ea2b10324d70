// The texts come as esbuild's loader gives them.
// biome-ignore-all lint/style/noDefaultExport: that is what the loader exports

declare module '*.bash' {
  const text: string;
  export default text;
}
declare module '*.py' {
  const text: string;
  export default text;
}
declare module '*.go' {
  const text: string;
  export default text;
}
