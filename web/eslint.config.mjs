import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { functionLines } from './eslint/function-lines.mjs';

const TESTS = ['**/*.test.ts', '**/test/**/*.ts', 'e2e/**/*.ts'];

export default defineConfig(
  globalIgnores([
    '**/dist/**',
    '**/artefacts/**',
    // Written by `cargo xtask gen`.
    'packages/wire/src/schema.ts',
    'packages/wire/test/samples.ts',
  ]),
  {
    plugins: { callbox: { rules: { 'function-lines': functionLines } } },
    rules: { 'callbox/function-lines': 'error' },
  },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    // `void state.field` is how an effect says what it follows.
    rules: { '@typescript-eslint/no-meaningless-void-operator': 'off' },
  },
  {
    // A neighbour is what its package exports, nothing else.
    files: ['packages/**', 'demo/**', 'e2e/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@callbox/*/*', '**/packages/*/src/**', '**/packages/*/test/**'],
              message:
                "Import the package by its name: only what it exports is anyone else's business.",
            },
          ],
        },
      ],
    },
  },
  {
    files: TESTS,
    languageOptions: { globals: { ...globals.node } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['*.config.{ts,mjs}', 'scripts/**', 'eslint/**', '**/scripts/**', '**/build.mjs'],
    languageOptions: { globals: { ...globals.node } },
    rules: { 'no-console': 'off' },
  },
  {
    // Plain scripts that no tsconfig of a package lists are checked without types.
    files: ['{packages,demo,e2e}/**/*.{js,mjs}', 'demo/*.config.ts', 'e2e/*.config.ts'],
    ...ts.configs.disableTypeChecked,
    languageOptions: {
      globals: { ...globals.node },
      parserOptions: { projectService: false, project: null },
    },
  },
);
