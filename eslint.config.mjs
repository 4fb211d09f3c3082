// typescript-eslint with type information for TypeScript, plain rules for scripts. Style: no semicolons, single quotes,
// two spaces, 120 columns.
import stylistic from '@stylistic/eslint-plugin'
import tseslint from 'typescript-eslint'

const style = {
  plugins: { '@stylistic': stylistic },
  rules: {
    '@stylistic/semi': ['error', 'never'],
    '@stylistic/quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'avoidEscape' }],
    '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignorePattern: '^import ' }],
    '@stylistic/no-trailing-spaces': 'error',
    '@stylistic/no-tabs': 'error',
    '@stylistic/eol-last': 'error',
    '@stylistic/no-multiple-empty-lines': ['error', { max: 1 }],
    '@stylistic/member-delimiter-style': ['error', { multiline: { delimiter: 'none' } }],
    '@stylistic/keyword-spacing': 'error',
    '@stylistic/space-infix-ops': 'error',
    '@stylistic/comma-spacing': 'error',
    '@stylistic/object-curly-spacing': ['error', 'always'],
  },
}

const rules = {
  eqeqeq: 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'no-unexpected-multiline': 'error',
}

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'coverage/', 'node_modules/', 'prebuilds/', 'lib/kernels.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  style,
  { rules },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
)
