/** The beginnings by which cloud-init and its kin tell their kinds of user data. */
const beginnings = /^(#|Content-Type:|MIME-Version:|rem cmd|<)/i;

/** The user data of a detail, which are a text or base64 of bytes. */
export function userDataBytes(text: string): Buffer {
  return decoded(text) ?? Buffer.from(text.trimStart(), 'utf8');
}

/** Whether it is user data, as it stands or in base64. */
export function isUserData(text: string): boolean {
  return beginnings.test(text.trimStart()) || decoded(text) !== undefined;
}

/** The words for a detail that is none. */
export const userDataIssue =
  '"user_data" is neither cloud-init user data (which begins with #cloud-config, #!, a MIME header or the like) nor base64 of such';

/** The bytes behind base64, or `undefined` for a text that is none or hides no user data. */
function decoded(text: string): Buffer | undefined {
  const packed = text.replace(/\s+/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) {
    return undefined;
  }
  const bytes = Buffer.from(packed, 'base64');
  return isGzip(bytes) || beginnings.test(bytes.toString('utf8')) ? bytes : undefined;
}

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
