/** Variables that replace an address of the config. */

/** `orderDb` → `QA_ORDER_DB_URL` */
export function addressVariable(name: string): string {
  return `QA_${name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_URL`;
}

/** Of a service: `order-service` → `QA_ORDER_SERVICE_URL` */
export function serviceVariable(name: string): string {
  return addressVariable(name.replaceAll('-', '_'));
}
