/** The sounds of a phone, made by the browser itself. Where it may not make any, calls ring in silence. */

interface Pattern {
  every: number;
  volume: number;
  notes: readonly (readonly [hertz: number, from: number, to: number])[];
}

/** Seconds within one round. The ring at the callee rises; the tone at the caller only says "it rings". */
const PATTERNS = {
  ring: {
    every: 2.6,
    volume: 0.16,
    notes: [
      [587.3, 0, 0.22],
      [740, 0.16, 0.4],
      [880, 0.34, 0.75],
      [587.3, 0.85, 1.07],
      [740, 1.01, 1.25],
      [880, 1.19, 1.7],
    ],
  },
  ringback: { every: 4, volume: 0.05, notes: [[425, 0, 1.1]] },
} as const satisfies Record<string, Pattern>;

export type Sound = keyof typeof PATTERNS;

let context: AudioContext | null = null;
let playing: { sound: Sound; stop: () => void } | null = null;

/** Browsers allow sound only after a click or key press, so the first one opens the door. */
export function allowSound(): void {
  const open = () => {
    try {
      context ??= new AudioContext();
      void context.resume().catch(() => undefined);
    } catch {
      // No sound on this machine: the screen says it all.
    }
  };
  window.addEventListener('pointerdown', open, { once: true });
  window.addEventListener('keydown', open, { once: true });
}

/** Plays a sound until another, or `null`, takes its place. */
export function play(sound: Sound | null): void {
  if (playing?.sound === sound) return;
  playing?.stop();
  playing = sound && context ? { sound, stop: repeat(context, PATTERNS[sound]) } : null;
}

function repeat(audio: AudioContext, pattern: Pattern): () => void {
  const output = audio.createGain();
  output.gain.value = pattern.volume;
  output.connect(audio.destination);
  const round = () => {
    for (const [hertz, from, to] of pattern.notes) note(audio, output, hertz, from, to);
  };
  round();
  const timer = setInterval(round, pattern.every * 1000);
  return () => {
    clearInterval(timer);
    output.disconnect();
  };
}

/** One note with a soft start and end, so that it does not click. */
function note(
  audio: AudioContext,
  output: AudioNode,
  hertz: number,
  from: number,
  to: number,
): void {
  const start = audio.currentTime + from;
  const end = audio.currentTime + to;
  const tone = audio.createOscillator();
  const shape = audio.createGain();
  tone.type = 'sine';
  tone.frequency.value = hertz;
  shape.gain.setValueAtTime(0, start);
  shape.gain.linearRampToValueAtTime(1, start + 0.03);
  shape.gain.setValueAtTime(1, end - 0.08);
  shape.gain.linearRampToValueAtTime(0, end);
  tone.connect(shape).connect(output);
  tone.start(start);
  tone.stop(end);
}
