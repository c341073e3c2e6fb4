// How loud the microphone is: the sign that it hears anything at all.

import { h } from "../dom.js";

// Speech at a usual distance is at about a tenth of the full scale.
const LOUD = 0.25;

/**
 * Return a meter of a stream's sound.
 *
 * @param {MediaStream} stream
 * @returns {{element: HTMLElement, update: () => void, stop: () => void}}
 */
export function levelOf(stream) {
  const element = h("meter", { class: "level", min: 0, max: 1, value: 0, "aria-label": "Loudness" });
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);

  function update() {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((total, sample) => total + sample * sample, 0) / samples.length;
    element.value = Math.min(1, Math.sqrt(Math.sqrt(power) / LOUD));
  }

  return { element, update, stop: () => context.state !== "closed" && context.close() };
}
