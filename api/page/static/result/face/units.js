// Action units by their names in the Facial Action Coding System.

export const UNITS = {
  AU01: "inner brow raiser",
  AU02: "outer brow raiser",
  AU04: "brow lowerer",
  AU05: "upper lid raiser",
  AU06: "cheek raiser",
  AU07: "lid tightener",
  AU09: "nose wrinkler",
  AU10: "upper lip raiser",
  AU12: "lip corner puller",
  AU14: "dimpler",
  AU15: "lip corner depressor",
  AU17: "chin raiser",
  AU20: "lip stretcher",
  AU23: "lip tightener",
  AU25: "lips part",
  AU26: "jaw drop",
  AU45: "blink",
};
export const POSE = { pose_Rx: "pitch", pose_Ry: "yaw", pose_Rz: "roll" };
export const GAZE = { gaze_angle_x: "to the side", gaze_angle_y: "up and down" };
