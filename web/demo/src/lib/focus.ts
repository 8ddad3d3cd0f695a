/** Keyboard focus around things that come and go. */
import { tick } from 'svelte';

let home: HTMLElement | null = null;

/** Remembers where in the app the focus is; sheets above it do not count. */
export function noteFocus({ target }: FocusEvent): void {
  if (target instanceof HTMLElement) home = target;
}

/** A sheet is gone: brings the focus back to where it was, unless it has found another place by itself. */
export async function returnFocus(): Promise<void> {
  await tick();
  const lost = document.activeElement === null || document.activeElement === document.body;
  if (lost && home?.isConnected) home.focus({ preventScroll: true });
}

/** Whether somebody writes at this moment: then nothing may take the focus away from under their fingers. */
export function isWriting(): boolean {
  const field = document.activeElement;
  const editable = field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement;
  return editable && field.value !== '';
}
