// Where in the clip everybody looks: one time, moved by the player, the plots, the tables and the keys.

export class Playhead {
  #media = null;
  #frame = 0;
  #listeners = new Set();
  #off = new AbortController();

  /** @param {number} duration_s Of the clip. */
  constructor(duration_s) {
    this.duration = duration_s;
    this.time = 0;
  }

  /** Tell whether the clip is playing. */
  get playing() {
    return this.#media !== null && !this.#media.paused && !this.#media.ended;
  }

  /**
   * Call `listener` with the time now, and each time it has moved.
   *
   * @param {(time: number) => void} listener
   * @returns {() => void} Ends it.
   */
  on(listener) {
    this.#listeners.add(listener);
    listener(this.time);
    return () => this.#listeners.delete(listener);
  }

  /** Go to a time; the clip follows. */
  seek(time) {
    const wanted = Math.min(Math.max(0, time), this.duration);
    if (this.#media && this.#media.readyState > 0) this.#media.currentTime = wanted;
    this.#move(wanted);
  }

  /** Play or pause, where there is something to play. */
  toggle() {
    if (!this.#media) return;
    if (this.playing) this.#media.pause();
    else this.#media.play().catch(() => {}); // Its own error event says why.
  }

  /** Go along with a video or audio element; `null` leaves the one before. */
  follow(media) {
    this.#off.abort();
    this.#off = new AbortController();
    this.#media = media;
    if (!media) return;
    const { signal } = this.#off;
    const read = () => this.#move(media.currentTime);
    // Between two of these the frames of the screen carry the time on.
    for (const event of ["timeupdate", "seeked", "pause"]) media.addEventListener(event, read, { signal });
    media.addEventListener("play", () => this.#run(), { signal });
    media.addEventListener(
      "loadedmetadata",
      () => {
        if (this.time > 0) media.currentTime = this.time;
      },
      { signal },
    );
    if (this.playing) this.#run();
  }

  destroy() {
    this.follow(null);
    cancelAnimationFrame(this.#frame);
    this.#listeners.clear();
  }

  #run() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      if (!this.playing) return;
      this.#move(this.#media.currentTime);
      this.#run();
    });
  }

  #move(time) {
    // Players end a little before or after what the file was measured to last.
    this.time = Math.min(time, this.duration);
    for (const listener of this.#listeners) listener(this.time);
  }
}
