// What a chosen file is, as far as a browser can tell: the server looks into its bytes.

import { bytes } from "../formats.js";

const SOUND_NAMES = /\.(aac|aif|aiff|amr|flac|m4a|mka|mp3|oga|ogg|opus|wav|wma)$/i;

/** Endings that a browser does not count as media, but which the server reads. */
export const ACCEPT = "video/*,audio/*,.mkv,.avi,.mov,.flv,.ts,.mts,.wmv,.3gp,.flac,.opus,.oga,.mka";

/** Return `video` or `audio`: the address that a file goes to. */
export function kindOf(file) {
  if (file.type.startsWith("audio/")) return "audio";
  return !file.type.startsWith("video/") && SOUND_NAMES.test(file.name) ? "audio" : "video";
}

/**
 * Return why a file need not be sent at all; `null` if it may be.
 *
 * @param {File} file
 * @param {number} limitBytes The server's largest upload.
 */
export function faultOf(file, limitBytes) {
  if (file.size === 0) return "This file is empty.";
  if (file.size > limitBytes) {
    return `This file has ${bytes(file.size)}; this server takes up to ${bytes(limitBytes)}.`;
  }
  return null;
}

/** Return a name for each of many files, no two the same: its folder's part too, if a folder was chosen. */
export function namesOf(files) {
  const taken = new Set();
  return files.map((file) => {
    const name = file.webkitRelativePath || file.name;
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = `${name} (${number})`;
    taken.add(free);
    return free;
  });
}
