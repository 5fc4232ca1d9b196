/**
 * @jest-environment-options {"customExportConditions": ["special"], "greeting": "hello"}
 */
test('options reach the global', () => expect(greeting).toBe('hello'));
