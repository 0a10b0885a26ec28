//! Signs and checks tokens with ring, the cryptography of our TLS, so that no second cryptography library
//! is compiled.
//!
//! `jsonwebtoken` takes its cryptography from a provider of the process. Tokens are signed by HMAC (HS256,
//! HS384, HS512); every other algorithm is rejected. Asymmetric algorithms (RS256, ES256, EdDSA) are in
//! ring too, and would be further arms of [`signer`] and [`verifier`].

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::hmac;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // For JSON Web Keys, which we do not read.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use this module in the whole process. Must be called before a token is signed or
/// checked; later calls do nothing.
pub(super) fn install() {
    // An error says that a provider is installed already, which can only be ours.
    let _ = PROVIDER.install_default();
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let secret = (key.family() == AlgorithmFamily::Hmac).then(|| key.as_bytes());
    Ok(Box::new(Hmac::new(*algorithm, secret)?))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let secret = (key.family() == AlgorithmFamily::Hmac).then(|| key.try_get_as_bytes());
    Ok(Box::new(Hmac::new(*algorithm, secret.transpose()?)?))
}

/// A secret, and the algorithm with which it is used.
struct Hmac {
    algorithm: Algorithm,
    key: hmac::Key,
}

impl Hmac {
    /// Creates the key of an algorithm.
    ///
    /// # Errors
    /// When there is no secret, because the key is of another family, or the algorithm is not HMAC.
    fn new(algorithm: Algorithm, secret: Option<&[u8]>) -> Result<Self> {
        let secret = secret.ok_or(ErrorKind::InvalidKeyFormat)?;
        let digest = match algorithm {
            Algorithm::HS256 => hmac::HMAC_SHA256,
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => return Err(ErrorKind::InvalidAlgorithm.into()),
        };
        Ok(Self {
            algorithm,
            key: hmac::Key::new(digest, secret),
        })
    }
}

impl Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.key, message).as_ref().to_vec())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Hmac {
    /// Compares in constant time, so that the time does not reveal the part of a signature that is right.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        hmac::verify(&self.key, message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1: a token that others signed.
    const SIGNED: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";

    #[test]
    fn the_signature_is_that_of_the_standard() {
        let signing = EncodingKey::from_urlsafe_base64_secret(KEY).unwrap();
        let signed = signer(&Algorithm::HS256, &signing)
            .unwrap()
            .sign(SIGNED.as_bytes());
        assert_eq!(signed.len(), 32);
        let checking = DecodingKey::from_secret(signing.as_bytes());
        let verifier = verifier(&Algorithm::HS256, &checking).unwrap();
        assert!(verifier.verify(SIGNED.as_bytes(), &signed).is_ok());

        install();
        let verify = |signature: &str, message: &str| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &checking, Algorithm::HS256)
                .unwrap()
        };
        assert!(verify(SIGNATURE, SIGNED));
        assert!(!verify(SIGNATURE, &SIGNED[1..]));
        assert!(!verify(&SIGNATURE[..40], SIGNED), "it is cut short");
    }

    #[test]
    fn a_key_or_an_algorithm_of_another_family_is_refused() {
        let secret = EncodingKey::from_secret(&[0; 32]);
        assert!(signer(&Algorithm::ES256, &secret).is_err());
        assert!(signer(&Algorithm::HS256, &EncodingKey::from_rsa_der(&[0; 32])).is_err());
        let secret = DecodingKey::from_secret(&[0; 32]);
        assert!(verifier(&Algorithm::RS256, &secret).is_err());
        assert!(verifier(&Algorithm::HS256, &DecodingKey::from_ed_der(&[0; 32])).is_err());
        assert!(verifier(&Algorithm::HS512, &secret).is_ok());
    }
}
