/** The variable's value; without one the program ends and says what it is for. */
export function required(name, meaning) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: ${meaning}`);
    process.exit(2);
  }
  return value;
}
