/** Light or dark: the system's choice until the person makes another one. */

type Theme = 'light' | 'dark';

const KEY = 'callbox-demo-theme';

class ThemeChoice {
  #chosen = $state<Theme | null>(null);
  #system = $state<Theme>('light');
  readonly current = $derived(this.#chosen ?? this.#system);

  constructor() {
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const follow = () => (this.#system = dark.matches ? 'dark' : 'light');
    dark.addEventListener('change', follow);
    follow();
    const stored = localStorage.getItem(KEY);
    if (stored === 'light' || stored === 'dark') this.#choose(stored);
  }

  toggle(): void {
    const theme = this.current === 'dark' ? 'light' : 'dark';
    this.#choose(theme);
    localStorage.setItem(KEY, theme);
  }

  #choose(theme: Theme): void {
    this.#chosen = theme;
    document.documentElement.dataset['theme'] = theme;
  }
}

export const theme = new ThemeChoice();
