/** The longest function that fits on one screen; the Rust side holds the same line. */
const FUNCTION_LINES_MAX = 70;

/** Callbacks of these only group tests; they are a table of contents, not a function to follow. */
const GROUPS = new Set(['describe', 'suite']);

/**
 * Like `max-lines-per-function`, but a `describe` block does not count as a function.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const functionLines = {
  meta: {
    type: 'suggestion',
    docs: { description: `functions have at most ${FUNCTION_LINES_MAX} lines` },
    messages: {
      long: 'This function has {{lines}} lines; {{max}} is the limit. Give a part of it a name.',
    },
    schema: [],
  },
  create(context) {
    /** @param {import('estree').Function & import('eslint').Rule.NodeParentExtension} node */
    function check(node) {
      if (!node.loc || isGroup(node)) return;
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines <= FUNCTION_LINES_MAX) return;
      const data = { lines: String(lines), max: String(FUNCTION_LINES_MAX) };
      context.report({ node, messageId: 'long', data });
    }
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    };
  },
};

/** @param {import('eslint').Rule.Node} node */
function isGroup(node) {
  const call = node.parent;
  if (call?.type !== 'CallExpression') return false;
  return GROUPS.has(rootName(call.callee));
}

/**
 * `describe` of `describe.each(rows)('…', () => …)`.
 *
 * @param {import('estree').Node} callee
 * @returns {string}
 */
function rootName(callee) {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression') return rootName(callee.object);
  if (callee.type === 'CallExpression') return rootName(callee.callee);
  return '';
}
